/** What a chat request says about itself, without modelling the OpenAI schema. */
@NullMarked
package freellmproxy.chat;

import org.jspecify.annotations.NullMarked;
