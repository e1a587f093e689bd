// SPDX-License-Identifier: Apache-2.0
#pragma once

// toml++, as all of the tree includes it: without exceptions, and so that no text can end the
// program. Version 3.3 asserts that a table's header begins with a key before it looks (`[` alone,
// `[.a]`, `[[[`), and tells the compiler so where NDEBUG is set; behind each of these assumptions
// of the parser stands its real error. The same in each unit that includes it, as its functions are
// inline.
#if !defined(TOML_EXCEPTIONS)
#define TOML_EXCEPTIONS 0
#endif
#define TOML_HEADER_ONLY 1
#include <toml++/impl/preprocessor.h>
#undef TOML_ASSERT_ASSUME
#define TOML_ASSERT_ASSUME(expr) static_cast<void>(0)
#include <toml++/toml.h>
