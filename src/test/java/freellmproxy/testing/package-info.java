/** What tests of several rooms share. */
@NullMarked
package freellmproxy.testing;

import org.jspecify.annotations.NullMarked;
