// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ownable2StepUpgradeable} from "@openzeppelin/contracts-upgradeable/access/Ownable2StepUpgradeable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// Holds the tokens that become rewards, and releases them at a constant yearly part of what is left.
contract RewardRatePool is Ownable2StepUpgradeable {
    using SafeERC20 for IERC20;

    uint256 public constant VERSION = 1;
    /// 15.1 % a year.
    uint64 public constant ANNUAL_SIMPLE_PAYOUT_RATE = 1510;
    uint64 public constant BASIS_POINTS = 10_000;

    /// The token; the name is the interface's.
    IERC20 public SESH;
    /// The rewards contract.
    address public beneficiary;
    uint256 public totalPaidOut;
    uint256 public lastPaidOutTime;

    event FundsReleased(uint256 amount);
    event BeneficiaryUpdated(address newBeneficiary);

    error NullAddress();

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    function initialize(address _beneficiary, address _sesh) external initializer {
        if (_beneficiary == address(0) || _sesh == address(0)) revert NullAddress();
        __Ownable_init(msg.sender);
        beneficiary = _beneficiary;
        SESH = IERC20(_sesh);
        lastPaidOutTime = block.timestamp;
    }

    /// Moves what has accrued since the last call to the beneficiary. Anybody may call it.
    function payoutReleased() external {
        _payout();
    }

    /// The old beneficiary gets what accrued in its time.
    function setBeneficiary(address newBeneficiary) external onlyOwner {
        if (newBeneficiary == address(0)) revert NullAddress();
        _payout();
        beneficiary = newBeneficiary;
        emit BeneficiaryUpdated(newBeneficiary);
    }

    /// What two minutes release, in the token's smallest unit.
    function rewardRate() external view returns (uint256) {
        return calculatePayoutAmount(SESH.balanceOf(address(this)), 2 minutes);
    }

    function calculateTotalDeposited() external view returns (uint256) {
        return SESH.balanceOf(address(this)) + totalPaidOut;
    }

    /// What a call of payoutReleased would move now.
    function calculateReleasedAmount() public view returns (uint256) {
        uint256 balance = SESH.balanceOf(address(this));
        uint256 accrued = calculatePayoutAmount(balance, block.timestamp - lastPaidOutTime);
        return accrued < balance ? accrued : balance;
    }

    function calculatePayoutAmount(uint256 balance, uint256 timeElapsed) public pure returns (uint256) {
        return (balance * ANNUAL_SIMPLE_PAYOUT_RATE * timeElapsed) / (uint256(BASIS_POINTS) * 365 days);
    }

    function _payout() private {
        uint256 amount = calculateReleasedAmount();
        lastPaidOutTime = block.timestamp;
        totalPaidOut += amount;
        emit FundsReleased(amount);
        SESH.safeTransfer(beneficiary, amount);
    }
}
