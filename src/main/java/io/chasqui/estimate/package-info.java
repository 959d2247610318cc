/**
 * How much memory a model takes: what is asked, what is answered, and the rule of thumb for
 * programs that are not this one. What this program takes is told by {@link
 * io.chasqui.engine.ServerMemory}.
 */
package io.chasqui.estimate;
