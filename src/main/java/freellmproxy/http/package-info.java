/** The endpoints and what they have in common. */
@NullMarked
package freellmproxy.http;

import org.jspecify.annotations.NullMarked;
