package engine

import "errors"

// Insert is an open INSERT that takes blocks in Native format. Its rows are stored by Commit, not before, except that
// the engine writes a part for each full block of a large insert on the way.
type Insert struct {
	lib *Library
	ins ptr
}

// Insert opens an INSERT. The statement stands without FORMAT and without data.
func (s *Session) Insert(q string) (*Insert, error) {
	ins := s.lib.insert(s.conn, text(q), uintptr(len(q)), text(native), uintptr(len(native)))
	if ins == nil {
		return nil, errors.New("the ClickHouse engine opened no insert")
	}
	if err := exception(s.lib.insertError(ins)); err != nil {
		s.lib.destroyInsert(ins)
		return nil, err
	}
	return &Insert{lib: s.lib, ins: ins}, nil
}

// Append hands over one block. The engine copies it.
func (i *Insert) Append(block []byte) error {
	if i.lib.append(i.ins, first(block), uintptr(len(block))) == 0 {
		return nil
	}
	if err := exception(i.lib.insertError(i.ins)); err != nil {
		return err
	}
	return errors.New("the ClickHouse engine refused a block without a reason")
}

// Commit stores the rows and returns how many. The insert is gone afterwards, whatever Commit returns.
func (i *Insert) Commit() (rows uint64, err error) {
	defer i.lib.destroyInsert(i.ins)
	r, err := i.lib.result(i.lib.done(i.ins))
	if err != nil {
		return 0, err
	}
	defer r.Close()
	return r.WrittenRows, nil
}

// Abort drops the insert. The insert is gone afterwards.
func (i *Insert) Abort() {
	i.lib.cancelInsert(i.ins)
	i.lib.destroyInsert(i.ins)
}
