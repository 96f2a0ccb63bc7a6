/** What holds for the repository itself: format, who may know whom, documents, scripts. */
@NullMarked
package freellmproxy.build;

import org.jspecify.annotations.NullMarked;
