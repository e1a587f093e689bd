// SPDX-License-Identifier: Apache-2.0
// Asio's own function bodies, compiled once instead of in every unit.
#include <boost/asio/impl/src.hpp>
