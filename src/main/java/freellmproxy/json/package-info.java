/** JSON as bytes: read where it is without making anything of it, and written. */
@NullMarked
package freellmproxy.json;

import org.jspecify.annotations.NullMarked;
