/** How clients are told of the proxy: what each one's file needs, merged into what it has. */
@NullMarked
package freellmproxy.setup;

import org.jspecify.annotations.NullMarked;
