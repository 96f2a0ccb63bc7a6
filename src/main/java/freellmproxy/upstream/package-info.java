/** What the upstream did and what that means. */
@NullMarked
package freellmproxy.upstream;

import org.jspecify.annotations.NullMarked;
