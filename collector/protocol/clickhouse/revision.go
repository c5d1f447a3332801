package clickhouse

// Revisions of the protocol that added fields.
const (
	revTimezone         = 54058
	revQuotaKey         = 54060
	revVersionPatch     = 54401
	revWriteInfo        = 54420
	revSettingsAsText   = 54429
	revSecret           = 54441
	revOpenTelemetry    = 54442
	revDistributedDepth = 54448
	revStartTime        = 54449
	revReplicas         = 54453
	revSerialization    = 54454
	revAddendum         = 54458
	revParameters       = 54459
	revElapsed          = 54460
	revTotalBytes       = 54463
	revAggregation      = 54469
	revChunked          = 54470
	revReplicasVersion  = 54471
	revExternalRoles    = 54472
	revLineNumbers      = 54475
	revToken            = 54476

	minRevision = revSettingsAsText
	maxRevision = 55999
)

// layouts are revisions between which a query is written differently, newest first.
var layouts = []int{maxRevision, revToken - 1, revLineNumbers - 1, revExternalRoles - 1, revParameters - 1, revReplicas - 1, revStartTime - 1, revDistributedDepth - 1, revOpenTelemetry - 1, revSecret - 1}
