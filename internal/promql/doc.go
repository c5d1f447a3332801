// Package promql evaluates PromQL, with Prometheus' own engine, over metrics that somebody else reads: the tools' SQL, or a
// test. It knows how OpenTelemetry's metrics look to PromQL:
//
//   - a name and an attribute have underscores for what PromQL does not allow (process.memory.usage is process_memory_usage;
//     {"process.memory.usage"} is understood, too);
//   - service, instance and host are labels; an attribute of such a name is exported_service and so on;
//   - deltas are summed from the first point that is read, so that rate() and increase() are right and the level means nothing;
//   - a histogram is its series _bucket with le, _sum and _count; an attribute le of it is exported_le. Those that Prometheus wrote as series of numbers
//     are what they are.
package promql
