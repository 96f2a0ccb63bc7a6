/** How the proxy reaches the outside: forward proxies, trusted certificates, TLS. */
@NullMarked
package freellmproxy.egress;

import org.jspecify.annotations.NullMarked;
