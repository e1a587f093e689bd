// SPDX-License-Identifier: Apache-2.0
// What a hostile device may say: markup, quotes, other directions of writing, control characters,
// and far too much.
export const SCRIPT = '"><script>window.pwned=1</script><img src=x onerror=window.pwned=1>';
export const TYPE = '<b onclick=pwned=1>Bad&amp;</b>';
export const ENTITY = 'press/<script>pwned=1</script>\u202egnp.exe\'"';
export const CONTROL = 'bell\u0007 escape\u001b[31m null-like\u0001 line\nfeed';
export const RTL = '\u202eevil\u2066 \u05e9\u05dc\u05d5\u05dd';
// What takes no room or is blank, though it is no control character: fillers of Hangul, a soft hyphen, a tag.
export const BLANK = 'door\u3164a\u115fb\u1160c\uffa0d\u00ade\u{e0041}f\u{e007f}';
export const VAST = 2n ** 63n - 1n;  // what 64 bits hold, and a number of JavaScript does not
export const LONG = 'x'.repeat(10_000) + '\u05d0'.repeat(300);

export const MODEL = `
model = "plant"
version = 1
[where]
categories = ["machine"]
[table.machine]
key = { gateway = "$gateway", machine = "$entity" }
[table.machine.columns]
readings = { type = "int", default = 0 }
bar = "real"
note = "text"
big = "int"
last_at = "time"
[[table.machine.on]]
type = ["Reading", "${TYPE}"]
inc = { readings = 1 }
latest = { bar = ".bar", note = ".note", big = ".big", last_at = "$time" }
[table.reading]
key = { gateway = "$gateway", machine = "$entity", at = "$time" }
[table.reading.columns]
bar = "real"
celsius = "real"
[[table.reading.on]]
type = "Reading"
set = { bar = ".bar", celsius = ".celsius" }
[table.nothing]
key = { gateway = "$gateway" }
[table.nothing.columns]
n = { type = "int", default = 0 }
[[table.nothing.on]]
type = "Never"
inc = { n = 1 }
`;
