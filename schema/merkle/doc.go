// Package merkle is the tamper-evident log of the audit rows, and its check.
package merkle
