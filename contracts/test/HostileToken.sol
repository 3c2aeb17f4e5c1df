// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// A token with the habits by which tokens have emptied contracts: for tests of what must hold all the same.
contract HostileToken is ERC20 {
    /// Basis points that a transfer loses on the way.
    uint256 public feeOnTransfer;
    /// Who can receive nothing.
    mapping(address => bool) public isRefused;
    /// What is called in the middle of each transfer, as by tokens that tell the receiver.
    address public calledBack;
    bytes public callback;
    bool public callbackSucceeded;

    constructor(address holder, uint256 supply) ERC20("Hostile", "HOST") {
        _mint(holder, supply);
    }

    function setFeeOnTransfer(uint256 basisPoints) external {
        feeOnTransfer = basisPoints;
    }

    function setRefused(address account, bool refused) external {
        isRefused[account] = refused;
    }

    function setCallback(address target, bytes calldata data) external {
        calledBack = target;
        callback = data;
    }

    function _update(address from, address to, uint256 value) internal override {
        require(!isRefused[to], "refused");
        uint256 fee = from == address(0) ? 0 : (value * feeOnTransfer) / 10_000;
        super._update(from, to, value - fee);
        if (fee != 0) super._update(from, address(0), fee);
        if (calledBack == address(0)) return;
        address target = calledBack;
        calledBack = address(0);
        (callbackSucceeded,) = target.call(callback);
    }
}
