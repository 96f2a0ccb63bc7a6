/** Which models may be asked now, and in which order. */
@NullMarked
package freellmproxy.routing;

import org.jspecify.annotations.NullMarked;
