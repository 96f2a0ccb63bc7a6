/** Rules about the source itself: its format and who may know whom. */
@NullMarked
package freellmproxy.build;

import org.jspecify.annotations.NullMarked;
