/** A fake OpenRouter and model list with named faults, for the demo, tests and benchmarks. */
@NullMarked
package freellmproxy.sandbox;

import org.jspecify.annotations.NullMarked;
