/* SPDX-License-Identifier: MIT */
#pragma once

namespace forktax
{

/*
 * Bounds what this process may take, and gives up what it does not need: it reads files that anybody made, as root. Of its
 * capabilities it keeps those with which it reads other processes' maps and the files behind them; it becomes nobody; it can
 * open nothing for writing, start nothing, and trace nothing. With DEBUGINFOD_URLS, it stays who it is and may use the network, unless
 * it was compiled WITHOUT_DEBUGINFOD. What the kernel does not allow to give up is kept.
 */
void confine();

} // namespace forktax
