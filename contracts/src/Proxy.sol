// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// Only so that it is compiled with the rest: the proxy behind which ServiceNodeRewards and RewardRatePool live.
import {TransparentUpgradeableProxy} from "@openzeppelin/contracts/proxy/transparent/TransparentUpgradeableProxy.sol";
