/** Server-sent events as the WHATWG HTML standard reads them. */
@NullMarked
package freellmproxy.sse;

import org.jspecify.annotations.NullMarked;
