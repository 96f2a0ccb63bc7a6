/** Errors in the form that OpenAI clients read. */
@NullMarked
package freellmproxy.api;

import org.jspecify.annotations.NullMarked;
