/** Where time comes from. Nobody else reads a clock, so tests never sleep. */
@NullMarked
package freellmproxy.time;

import org.jspecify.annotations.NullMarked;
