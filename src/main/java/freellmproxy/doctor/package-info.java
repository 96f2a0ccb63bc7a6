/** Answers why the proxy does not work: one check for each thing that can be wrong. */
@NullMarked
package freellmproxy.doctor;

import org.jspecify.annotations.NullMarked;
