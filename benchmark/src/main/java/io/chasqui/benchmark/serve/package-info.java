/**
 * Open-loop load on a server with OpenAI's API: {@link io.chasqui.benchmark.serve.Arrivals} says
 * when requests are sent, {@link io.chasqui.benchmark.serve.OpenLoop} sends them at these times
 * whatever the server does, and {@link io.chasqui.benchmark.serve.LoadStatistics} is what the
 * answers come to. Times are {@link java.lang.System#nanoTime} unless a name says otherwise.
 */
package io.chasqui.benchmark.serve;
