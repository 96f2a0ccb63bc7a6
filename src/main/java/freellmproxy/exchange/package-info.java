/** One request from selection to the last byte of its answer. */
@NullMarked
package freellmproxy.exchange;

import org.jspecify.annotations.NullMarked;
