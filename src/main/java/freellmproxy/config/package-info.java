/** What the operator set: read once, checked whole, handed on as values. */
@NullMarked
package freellmproxy.config;

import org.jspecify.annotations.NullMarked;
