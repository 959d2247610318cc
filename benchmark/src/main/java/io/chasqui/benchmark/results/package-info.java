/**
 * What a run of a benchmark leaves: one record of JSON, from which tables, charts and comparisons
 * are made.
 */
package io.chasqui.benchmark.results;
