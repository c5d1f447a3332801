package ingest

import (
	"slices"
	"sync"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/internal/store"
)

// notTheRows are answers of ClickHouse that say nothing about the rows: it is out of something, goes down, or its tables are not what they should
// be. The same rows may be taken later. Anything else may be a row's fault.
var notTheRows = []proto.Error{
	proto.ErrMemoryLimitExceeded, proto.ErrCannotAllocateMemory, proto.ErrTooManyParts, proto.ErrNotEnoughSpace, proto.ErrTooManySimultaneousQueries,
	proto.ErrTimeoutExceeded, proto.ErrSocketTimeout, proto.ErrNetworkError, proto.ErrQueryWasCancelled, proto.ErrAborted,
	proto.ErrReadonly, proto.ErrTableIsReadOnly, proto.ErrAuthenticationFailed, proto.ErrAccessDenied,
	proto.ErrUnknownTable, proto.ErrUnknownDatabase, proto.ErrNoSuchColumnInTable, proto.ErrUnknownIdentifier, proto.ErrTableIsDropped,
	proto.ErrCannotWriteToFile, proto.ErrThreadWasCanceled, proto.ErrQueryWasCancelledByClient,
	proto.ErrCannotOpenFile, proto.ErrCannotWriteToFileDescriptor, proto.ErrCannotWriteToOstream, proto.ErrCannotFsync, proto.ErrCannotScheduleTask,
	proto.ErrKeeperException, proto.ErrTooFewLiveReplicas, proto.ErrUnknownStatusOfInsert, proto.ErrUnsatisfiedQuorumForPreviousWrite,
	proto.ErrAllConnectionTriesFailed, proto.ErrAllReplicasLost, proto.ErrNoActiveReplicas, proto.ErrNoZookeeper, proto.ErrDeadlockAvoided,
	proto.ErrServerOverloaded, proto.ErrQuotaExceeded, proto.ErrUserSessionLimitExceeded, proto.ErrTableIsBeingRestarted, proto.ErrAsyncLoadWaitFailed,
	proto.ErrFileDoesntExist, proto.ErrCannotCreateFile, proto.ErrCannotReadFromFileDescriptor, proto.ErrCannotStat, proto.ErrCannotCloseFile, proto.ErrCannotPipe,
	proto.ErrCannotCreateTimer, proto.ErrSystemError, proto.ErrCannotWriteAfterBufferCanceled,
	// A stream that broke, and what has no name of its own: a full disk, no descriptors left, whatever a library throws.
	proto.ErrUnexpectedEndOfFile, proto.ErrAttemptToReadAfterEOF, proto.ErrCannotReadAllData, proto.ErrChecksumDoesntMatch, proto.ErrCannotDecompress,
	proto.ErrLogicalError, proto.ErrPocoException, proto.ErrStdException, proto.ErrUnknownException,
}

func mayBeTheRows(e *store.ServerError) bool {
	return !slices.Contains(notTheRows, proto.Error(e.Code))
}

// maxSuspects bounds the requests of which it is known since when they are refused.
const maxSuspects = 4096

// maxSuspicion is how long a request is kept coming back because nothing shows whether it is its rows or the store.
const maxSuspicion = 5 * time.Minute

// suspects are requests of which the store refused rows and that are not decided. Safe for concurrent use.
type suspects struct {
	mu sync.Mutex
	of map[suspect]suspicion
}

type suspect struct {
	partition
	batch uint64
	rows  int
}

// suspicion is what is known of a suspect.
type suspicion struct {
	since   time.Time // it was refused for the first time
	refused []stretch // of its rows, in their order, while the store took others
}

// stretch is the rows from one up to but without another.
type stretch struct{ from, to int }

// suspect returns what is known of a request, which is refused since now if it never was before.
func (s *suspects) suspect(of suspect) suspicion {
	s.mu.Lock()
	defer s.mu.Unlock()
	if is, ok := s.of[of]; ok {
		return is
	}
	if s.of == nil || len(s.of) >= maxSuspects {
		s.of = map[suspect]suspicion{}
	}
	is := suspicion{since: time.Now()}
	s.of[of] = is
	return is
}

// know is for what was found of a request that is still not decided.
func (s *suspects) know(of suspect, is suspicion) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.of[of]; ok {
		s.of[of] = is
	}
}

func (s *suspects) forget(of suspect) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.of, of)
}
