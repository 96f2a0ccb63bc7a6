/** The ranked list of free models and how it stays fresh. */
@NullMarked
package freellmproxy.catalog;

import org.jspecify.annotations.NullMarked;
