/**
 * How good what a model says is: its loss on a text, how often it chooses as another one does, and
 * tasks with answers. No number depends on the machine, the threads or the time.
 */
package io.chasqui.benchmark.quality;
