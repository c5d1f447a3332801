package kafka

// requests are the bodies of requests, as far as topics and what must be right about them are concerned, by key.
var requests = map[int16]layout{
	keyProduce: {str.from(3), i16.is(acks), i32, topicsOf(topic.until(12), id.from(13), arrayOf(i32, batches).is(ofPartitions))},
	keyFetch: {
		i32.until(14), i32.is(maxWait), i32, i32.from(3), i8.from(4), i32.is(sessionID).from(7), i32.is(sessionEpoch).from(7),
		topicsOf(topic.until(12), id.from(13), arrayOf(i32, i32.from(9), i64, i32.from(12), i64.from(5), i32)),
		arrayOf(str.until(12), uuid.from(13), listOf(i32)).from(7), str.from(11),
	},
	2: {i32, i8.from(2), topicsOf(topic, arrayOf(i32, i32.from(4), i64, i32.until(0))), i32.from(10)}, // ListOffsets
	3: {topicsOf(id.from(10), topic), i8.from(4), i8.from(8).until(10), i8.from(8)},                   // Metadata
	8: { // OffsetCommit
		str, i32.from(1), str.from(1), str.from(7), i64.from(2).until(4),
		topicsOf(topic.until(9), id.from(10), arrayOf(i32, i64, i64.from(1).until(1), i32.from(6), str)),
	},
	9: { // OffsetFetch
		str.until(7), topicsOf(topic, listOf(i32)).until(7),
		arrayOf(str, str.from(9), i32.from(9), topicsOf(topic.until(9), id.from(10), listOf(i32))).from(8), i8.from(7),
	},
	10:               {str.until(3), i8.from(1), listOf(str).from(4)}, // FindCoordinator
	keyJoinGroup:     {str, i32, i32.from(1), str, str.from(5), str, arrayOf(str, data), str.from(8)},
	keyHeartbeat:     {str, i32, str, str.from(3)},
	13:               {str, str.until(2), arrayOf(str, str, str.from(5)).from(3)},                // LeaveGroup
	14:               {str, i32, str, str.from(3), str.from(5), str.from(5), arrayOf(str, data)}, // SyncGroup
	15:               {listOf(str), i8.from(3)},                                                  // DescribeGroups
	16:               {listOf(str).from(4), listOf(str).from(5)},                                 // ListGroups
	keySaslHandshake: {str},
	keyApiVersions:   {str.from(3), str.from(3), str.from(5), i32.from(5)},
	19:               {topicsOf(topic, i32, i16, arrayOf(i32, listOf(i32)), arrayOf(str, str)), i32, i8.from(1)}, // CreateTopics
	20:               {listOf(topic).is(ofTopics).until(5), topicsOf(topic, id).from(6), i32},                    // DeleteTopics
	21:               {topicsOf(topic, arrayOf(i32, i64)), i32},                                                  // DeleteRecords
	22:               {str, i32, i64.from(3), i16.from(3), i8.from(6), i8.from(6)},                               // InitProducerId
	23:               {i32.from(3), topicsOf(topic, arrayOf(i32, i32.from(2), i32))},                             // OffsetForLeaderEpoch
	24: { // AddPartitionsToTxn
		arrayOf(str, i64, i16, i8, topicsOf(topic, listOf(i32))).from(4), str.until(3), i64.until(3), i16.until(3), topicsOf(topic, listOf(i32)).until(3),
	},
	25: {str, i64, i16, str}, // AddOffsetsToTxn
	26: {str, i64, i16, i8},  // EndTxn
	28: { // TxnOffsetCommit
		str, str, i64, i16, i32.from(3), str.from(3), str.from(3),
		topicsOf(topic.until(5), id.from(6), arrayOf(i32, i64, i32.from(2), str)),
	},
	36: {data},                                                                                    // SaslAuthenticate
	37: {topicsOf(topic, i32, arrayOf(listOf(i32))), i32, i8},                                     // CreatePartitions
	42: {listOf(str)},                                                                             // DeleteGroups
	47: {str, topicsOf(topic, arrayOf(i32))},                                                      // OffsetDelete
	60: {i8, i8.from(1), i8.from(2)},                                                              // DescribeCluster
	61: {topicsOf(topic, listOf(i32))},                                                            // DescribeProducers
	68: {str, str, i32, str, str, i32, listOf(str), str.from(1), str, arrayOf(uuid, listOf(i32))}, // ConsumerGroupHeartbeat
	71: {uuid},                                                                                    // GetTelemetrySubscriptions
	72: {uuid, i32, i8, i8, data},                                                                 // PushTelemetry
	75: {topicsOf(topic), i32, rest},                                                              // DescribeTopicPartitions
	78: { // ShareFetch
		str, str, i32, i32.is(maxWait), i32, i32, i32.from(1), i32.from(1), i8.from(2), i8.from(2),
		topicsOf(id, arrayOf(i32, i32.until(0), arrayOf(i64, i64, listOf(i8)))), arrayOf(uuid, listOf(i32)),
	},
	79: {str, str, i32, i8.from(2), topicsOf(id, arrayOf(i32, arrayOf(i64, i64, listOf(i8))))}, // ShareAcknowledge
}
