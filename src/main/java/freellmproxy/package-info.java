/** The command line and the composition root. */
@NullMarked
package freellmproxy;

import org.jspecify.annotations.NullMarked;
