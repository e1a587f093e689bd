// SPDX-License-Identifier: Apache-2.0
// For LD_PRELOAD: a libc whose syncs are lies, as on a card that only says that it has flushed. It
// shows that the rig sees such a loss.
extern "C" {
int fsync(int) {
  return 0;
}
int fdatasync(int) {
  return 0;
}
int sync_file_range(int, long, long, unsigned) {
  return 0;
}
}
