/** What is told about finished exchanges: log lines and metrics. */
@NullMarked
package freellmproxy.observe;

import org.jspecify.annotations.NullMarked;
