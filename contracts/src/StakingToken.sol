// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// The token to stake on networks of one's own. The whole supply exists from the start; nobody can make more.
contract StakingToken is ERC20 {
    constructor(string memory name_, string memory symbol_, address holder, uint256 supply) ERC20(name_, symbol_) {
        _mint(holder, supply);
    }

    function decimals() public pure override returns (uint8) {
        return 9;
    }
}
