package kafka

// errorFirst is of answers whose error comes behind the time they were throttled for.
var errorFirst = layout{throttle, code, rest}

// answers are the bodies of answers, as far as errors are concerned, by key. Where only the first of several errors can be read, that is the one.
var answers = map[int16]layout{
	keyProduce: {
		topicsOf(topic.until(12), id.from(13), arrayOf(i32, code, i64, i64.from(2), i64.from(5), arrayOf(i32, str).from(8), str.from(8))), throttle.from(1),
	},
	keyFetch: {
		throttle.from(1), code.from(7), i32.is(sessionID).from(7),
		topicsOf(topic.until(12), id.from(13), arrayOf(i32, code, i64, i64.from(4), i64.from(5), arrayOf(i64, i64).from(4), i32.from(11), batches).is(ofPartitions)),
	},
	2: {throttle.from(2), arrayOf(str, arrayOf(i32, code, listOf(i64).until(0), i64.from(1), i64.from(1), i32.from(4)))}, // ListOffsets
	3: { // Metadata, where an error of a partition is a piece of news
		throttle.from(3), arrayOf(i32, str, i32, str.from(1)), str.from(2), i32.from(1),
		arrayOf(code, topic, id.from(10), i8.from(1), arrayOf(i16, i32, i32, i32.from(7), listOf(i32), listOf(i32), listOf(i32).from(5)), i32.from(8)),
		i32.from(8).until(10), code.from(13),
	},
	4: {code, rest},                                                                 // LeaderAndIsr
	5: {code, rest},                                                                 // StopReplica
	6: {code, rest},                                                                 // UpdateMetadata
	7: {code, rest},                                                                 // ControlledShutdown
	8: {throttle.from(3), arrayOf(str.until(9), uuid.from(10), arrayOf(i32, code))}, // OffsetCommit
	9: { // OffsetFetch
		throttle.from(3), arrayOf(str, arrayOf(i32, i64, i32.from(5), str, code)).until(7), code.from(2).until(7),
		arrayOf(str, arrayOf(str.until(9), uuid.from(10), arrayOf(i32, i64, i32, str, code)), code).from(8),
	},
	10: { // FindCoordinator
		throttle.from(1), code.until(3), str.from(1).until(3), i32.until(3), str.until(3), i32.until(3), arrayOf(str, i32, str, i32, code, str).from(4),
	},
	keyJoinGroup:     {throttle.from(2), code, rest},
	keyHeartbeat:     {throttle.from(1), code},
	13:               {throttle.from(1), code, arrayOf(str, str, code).from(3)}, // LeaveGroup
	14:               {throttle.from(1), code, rest},                            // SyncGroup
	15:               {throttle.from(1), arrayOf(code, rest)},                   // DescribeGroups
	16:               {throttle.from(1), code, rest},                            // ListGroups
	keySaslHandshake: {code, rest},
	keyApiVersions:   {code, rest},
	19: { // CreateTopics
		throttle.from(2), arrayOf(topic, id.from(7), code, str.from(1), i32.from(5), i16.from(5), arrayOf(str, str, i8, i8, i8).from(5)),
	},
	20: {throttle.from(1), arrayOf(str, uuid.from(6), code, str.from(5))},                                                           // DeleteTopics
	21: {throttle, arrayOf(str, arrayOf(i32, i64, code))},                                                                           // DeleteRecords
	22: errorFirst,                                                                                                                  // InitProducerId
	23: {throttle.from(2), arrayOf(str, arrayOf(code, i32, i32.from(1), i64))},                                                      // OffsetForLeaderEpoch
	24: {throttle, code.from(4), arrayOf(str, arrayOf(str, arrayOf(i32, code))).from(4), arrayOf(str, arrayOf(i32, code)).until(3)}, // AddPartitionsToTxn
	25: errorFirst,                                                                                                                  // AddOffsetsToTxn
	26: errorFirst,                                                                                                                  // EndTxn
	27: {arrayOf(i64, arrayOf(str, arrayOf(i32, code)))},                                                                            // WriteTxnMarkers
	28: {throttle, arrayOf(str.until(5), uuid.from(6), arrayOf(i32, code))},                                                         // TxnOffsetCommit
	29: errorFirst,                                                                                                                  // DescribeAcls
	30: {throttle, arrayOf(code, str)},                                                                                              // CreateAcls
	31: {throttle, arrayOf(code, rest)},                                                                                             // DeleteAcls
	32: {throttle, arrayOf(code, rest)},                                                                                             // DescribeConfigs
	33: {throttle, arrayOf(code, str, i8, str)},                                                                                     // AlterConfigs
	34: {throttle, arrayOf(str, arrayOf(i32, code))},                                                                                // AlterReplicaLogDirs
	35: {throttle, code.from(3), arrayOf(code, rest)},                                                                               // DescribeLogDirs
	36: {code, rest},                                                                                                                // SaslAuthenticate
	37: {throttle, arrayOf(str, code, str)},                                                                                         // CreatePartitions
	38: {code, rest},                                                                                                                // CreateDelegationToken
	39: {code, rest},                                                                                                                // RenewDelegationToken
	40: {code, rest},                                                                                                                // ExpireDelegationToken
	41: {code, rest},                                                                                                                // DescribeDelegationToken
	42: {throttle, arrayOf(str, code, str.from(3))},                                                                                 // DeleteGroups
	43: {throttle, code.from(1), arrayOf(str, arrayOf(i32, code, str))},                                                             // ElectLeaders
	44: {throttle, arrayOf(code, str, i8, str)},                                                                                     // IncrementalAlterConfigs
	45: {throttle, i8.from(1), code, rest},                                                                                          // AlterPartitionReassignments
	46: errorFirst,                                                                                                                  // ListPartitionReassignments
	47: {code, throttle, arrayOf(str, arrayOf(i32, code))},                                                                          // OffsetDelete
	48: errorFirst,                                                                                                                  // DescribeClientQuotas
	49: {throttle, arrayOf(code, rest)},                                                                                             // AlterClientQuotas
	50: errorFirst,                                                                                                                  // DescribeUserScramCredentials
	51: {throttle, arrayOf(str, code, str)},                                                                                         // AlterUserScramCredentials
	52: {code, rest},                                                                                                                // Vote
	53: {code, rest},                                                                                                                // BeginQuorumEpoch
	54: {code, rest},                                                                                                                // EndQuorumEpoch
	55: {code, rest},                                                                                                                // DescribeQuorum
	56: errorFirst,                                                                                                                  // AlterPartition
	57: errorFirst,                                                                                                                  // UpdateFeatures
	58: {data, code},                                                                                                                // Envelope
	59: errorFirst,                                                                                                                  // FetchSnapshot
	60: errorFirst,                                                                                                                  // DescribeCluster
	61: {throttle, arrayOf(str, arrayOf(i32, code, rest))},                                                                          // DescribeProducers
	62: errorFirst,                                                                                                                  // BrokerRegistration
	63: errorFirst,                                                                                                                  // BrokerHeartbeat
	64: errorFirst,                                                                                                                  // UnregisterBroker
	65: {throttle, arrayOf(code, rest)},                                                                                             // DescribeTransactions
	66: errorFirst,                                                                                                                  // ListTransactions
	67: errorFirst,                                                                                                                  // AllocateProducerIds
	68: errorFirst,                                                                                                                  // ConsumerGroupHeartbeat
	69: {throttle, arrayOf(code, rest)},                                                                                             // ConsumerGroupDescribe
	70: errorFirst,                                                                                                                  // ControllerRegistration
	71: errorFirst,                                                                                                                  // GetTelemetrySubscriptions
	72: errorFirst,                                                                                                                  // PushTelemetry
	73: errorFirst,                                                                                                                  // AssignReplicasToDirs
	74: errorFirst,                                                                                                                  // ListConfigResources
	75: {throttle, arrayOf(code, topic, id, rest)},                                                                                  // DescribeTopicPartitions
	76: errorFirst,                                                                                                                  // ShareGroupHeartbeat
	77: {throttle, arrayOf(code, rest)},                                                                                             // ShareGroupDescribe
	78: errorFirst,                                                                                                                  // ShareFetch
	79: errorFirst,                                                                                                                  // ShareAcknowledge
	80: errorFirst,                                                                                                                  // AddRaftVoter
	81: errorFirst,                                                                                                                  // RemoveRaftVoter
	82: errorFirst,                                                                                                                  // UpdateRaftVoter
	83: {arrayOf(uuid, arrayOf(i32, code, rest))},                                                                                   // InitializeShareGroupState
	84: {arrayOf(uuid, arrayOf(i32, code, rest))},                                                                                   // ReadShareGroupState
	85: {arrayOf(uuid, arrayOf(i32, code, rest))},                                                                                   // WriteShareGroupState
	86: {arrayOf(uuid, arrayOf(i32, code, rest))},                                                                                   // DeleteShareGroupState
	87: {arrayOf(uuid, arrayOf(i32, code, rest))},                                                                                   // ReadShareGroupStateSummary
	88: errorFirst,                                                                                                                  // StreamsGroupHeartbeat
	89: {throttle, arrayOf(code, rest)},                                                                                             // StreamsGroupDescribe
	90: {throttle, arrayOf(str, arrayOf(str, uuid, arrayOf(i32, i64, i32, i64.from(1), code, str)), code, str)},                     // DescribeShareGroupOffsets
	91: errorFirst,                                                                                                                  // AlterShareGroupOffsets
	92: errorFirst,                                                                                                                  // DeleteShareGroupOffsets
	93: errorFirst,                                                                                                                  // StreamsGroupTopologyDescriptionUpdate
	94: errorFirst,                                                                                                                  // UnregisterController
}
