// Package gate stands before every model provider. It lets a call out only if policy says so at that moment, closes it when
// policy changes its mind, keeps to the budget, asks the listed providers in order, and has what is sent in the ledger before
// it leaves. It is the only caller of an llm.Provider.
package gate
