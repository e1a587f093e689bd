// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace sluice::sqlite {

// The name of SQLite's own file layer with one doubt more: after each sync it asks whether the
// filesystem takes writes still, and if not, the sync has failed. ext4 was seen to report success
// for a sync that was under way while it failed (an I/O error of its journal, a shutdown), and the
// synced bytes were gone; 93 of 137 times in a trial. Asking is a write of no bytes, microseconds.
// It is asked below SQLite, so that what it doubts is never visible to a reader as committed.
// Registered at the first call; any thread. nullptr: it cannot be had, use the default.
const char* careful_vfs();

// The same without a clock: 'now' is no time there, so that what SQL calculates from it is NULL, as
// each time that it is run again.
const char* timeless_vfs();

}  // namespace sluice::sqlite
