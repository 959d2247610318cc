/**
 * From a conversation to the text of a prompt, by the Jinja template that a model brings.
 *
 * <p>Jinjava renders it; where Jinjava and Jinja2 differ, this package makes up for it or refuses.
 */
package io.chasqui.chat;
