package investigation

// DataTypes lists every data type of the AI policy, in the order in which people are asked about them.
func DataTypes() []DataType {
	return []DataType{Traces, Metrics, Logs, Profiling, Configuration, Cluster, Code}
}
