// SPDX-License-Identifier: Apache-2.0
// Beast's own function bodies, compiled once instead of in every unit.
#include <boost/beast/src.hpp>
