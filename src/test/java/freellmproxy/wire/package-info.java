/** The contract, clause by clause, against a running proxy over real sockets. */
@NullMarked
package freellmproxy.wire;

import org.jspecify.annotations.NullMarked;
