/** Tests of what the connections of both sides have in common. */
@NullMarked
package freellmproxy.net;

import org.jspecify.annotations.NullMarked;
