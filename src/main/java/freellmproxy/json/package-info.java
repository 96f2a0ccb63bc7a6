/** Reading JSON where it is, byte by byte, without making anything of it. */
@NullMarked
package freellmproxy.json;

import org.jspecify.annotations.NullMarked;
