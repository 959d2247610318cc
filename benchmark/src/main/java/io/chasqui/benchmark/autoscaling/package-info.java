/**
 * A simulation of Knative's pod autoscaler with pods that stream text: {@link
 * io.chasqui.benchmark.autoscaling.Simulation} says which of Knative's rules are followed. All
 * times are seconds of simulated time, unless a name says otherwise.
 */
package io.chasqui.benchmark.autoscaling;
