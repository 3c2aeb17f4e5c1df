// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {G1Point} from "./BN254.sol";
import {ContributionTerms} from "./ContributionTerms.sol";
import {ServiceNodeRewards} from "./ServiceNodeRewards.sol";
import {BLSSignatureParams, Contributor, ReservedContributor, ServiceNodeParams, Staker} from "./ServiceNodeTypes.sol";

/// One stake that several pay together. It holds the money until all of it is there, then registers the service node; from then on the
/// rewards contract owes each contributor its own part, and nothing is left here.
///
/// Until then everybody can take back what it paid: contributors after a day, the operator at any time, which ends the attempt for all.
/// The operator can decide when it begins and ends, but money only ever goes back to its owner or into the registration.
contract ServiceNodeContribution is ContributionTerms, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// Keeps contributors from paying and leaving in turns, which would never let a stake be complete.
    uint64 public constant WITHDRAWAL_DELAY = 1 days;

    /// The token; the name is the interface's.
    IERC20 public immutable SESH;

    /// Who has paid. The operator is the first as long as anybody has.
    Staker[] public _contributorAddresses;
    mapping(address stakerAddr => uint256 amount) public contributions;
    /// When each paid last.
    mapping(address stakerAddr => uint256 amount) public contributionTimestamp;

    /// What a reset could not send back because the token refused; the owner fetches it.
    mapping(address stakerAddr => uint256 amount) private _unreturned;
    uint256 private _totalUnreturned;

    event Filled();
    event Finalized();
    event NewContribution(address indexed contributor, address beneficiary, uint256 amount);
    event OpenForPublicContribution();
    event Reset();
    event UpdateStakerBeneficiary(address indexed staker, address newBeneficiary);
    event WithdrawContribution(address indexed contributor, uint256 amount);

    error BeneficiaryUpdatingDisabledNodeIsNotOpen(uint256 ed25519Pubkey);
    error ContributeFundsNotPossible(Status status);
    error ContributionBelowMinAmount(uint256 contributed, uint256 min);
    error ContributionBelowReservedAmount(uint256 contributed, uint256 reserved);
    error ContributionExceedsStakingRequirement(
        uint256 totalContributed, uint256 totalReserved, uint256 stakingRequirement
    );
    error FinalizeNotPossible(Status status);
    error FirstContributionMustBeOperator(address contributor, address operator);
    error MaxContributorsExceeded(uint256 maxContributors);
    error NonContributorUpdatedBeneficiary(address nonContributorAddr);
    error NothingToWithdraw(address caller);
    error RescueBalanceIsEmpty(address token);
    error RescueNotPossible(Status status);
    error RewardsContractMaxContributorsChanged(uint256 oldMax, uint256 newMax);
    error RewardsContractStakingRequirementChanged(uint256 oldRequirement, uint256 newRequirement);
    error WithdrawTooEarly(uint256 contribTime, uint256 blockTime, uint256 delayRequired);

    constructor(
        ServiceNodeRewards rewards,
        address operator_,
        G1Point memory key,
        BLSSignatureParams memory sig,
        ServiceNodeParams memory params,
        ReservedContributor[] memory reserved,
        bool manualFinalize_
    ) ContributionTerms(rewards, operator_) {
        SESH = rewards.designatedToken();
        _setTerms(key, sig, params, reserved, manualFinalize_);
    }

    // ------------------------------------------------------------------------------------------------------ contribute

    /// Pays a part of the stake. The operator comes first; who has paid may pay more. No beneficiary means the contributor
    /// itself, and, when it pays more, the beneficiary that it has.
    function contributeFunds(uint256 amount, address beneficiary) external nonReentrant {
        _contribute(amount, beneficiary);
    }

    /// Gives everything back and begins anew on other terms, in one step.
    function resetUpdateAndContribute(
        G1Point calldata key,
        BLSSignatureParams calldata sig,
        ServiceNodeParams calldata params,
        ReservedContributor[] calldata reserved,
        bool _manualFinalize,
        address beneficiary,
        uint256 amount
    ) external onlyOperator nonReentrant {
        _reset();
        _setTerms(key, sig, params, reserved, _manualFinalize);
        _contribute(amount, beneficiary);
    }

    function _contribute(uint256 amount, address beneficiary) private {
        _requireUnchangedParameters();
        if (status == Status.WaitForOperatorContrib) {
            if (msg.sender != operator) revert FirstContributionMustBeOperator(msg.sender, operator);
            status = Status.OpenForPublicContrib;
            emit OpenForPublicContribution();
        } else if (status != Status.OpenForPublicContrib) {
            revert ContributeFundsNotPossible(status);
        }

        _checkAmount(amount);
        if (reservedContributions[msg.sender].amount != 0) reservedContributions[msg.sender].received = true;
        _record(amount, beneficiary);
        uint256 total = totalContribution();
        (, uint256 reserved) = _pendingReservations();
        if (total + reserved > stakingRequirement) {
            revert ContributionExceedsStakingRequirement(total, reserved, stakingRequirement);
        }

        _take(amount);
        if (total == stakingRequirement) _fill();
    }

    /// Whether so much buys a place; who has one may add any amount.
    function _checkAmount(uint256 amount) private view {
        Reservation storage reservation = reservedContributions[msg.sender];
        if (contributions[msg.sender] != 0) {
            if (amount == 0) revert ContributionBelowMinAmount(amount, 1);
        } else if (reservation.amount != 0) {
            if (amount < reservation.amount) revert ContributionBelowReservedAmount(amount, reservation.amount);
        } else {
            (uint256 places,) = _placesAndAmountTaken();
            if (places >= maxContributors) revert MaxContributorsExceeded(maxContributors);
            uint256 minimum = _atLeastOne(minimumContribution());
            if (amount < minimum) revert ContributionBelowMinAmount(amount, minimum);
        }
    }

    function _record(uint256 amount, address beneficiary) private {
        if (contributions[msg.sender] == 0) {
            if (beneficiary == address(0)) beneficiary = msg.sender;
            _contributorAddresses.push(Staker(msg.sender, beneficiary));
        } else {
            Staker storage staker = _contributorAddresses[_indexOf(msg.sender)];
            if (beneficiary == address(0)) beneficiary = staker.beneficiary;
            if (beneficiary != staker.beneficiary) {
                staker.beneficiary = beneficiary;
                emit UpdateStakerBeneficiary(msg.sender, beneficiary);
            }
        }
        contributions[msg.sender] += amount;
        contributionTimestamp[msg.sender] = block.timestamp;
        emit NewContribution(msg.sender, beneficiary, amount);
    }

    /// A token that takes a fee on the way would leave less here than is owed.
    function _take(uint256 amount) private {
        uint256 before = SESH.balanceOf(address(this));
        SESH.safeTransferFrom(msg.sender, address(this), amount);
        if (SESH.balanceOf(address(this)) != before + amount) revert SafeERC20.SafeERC20FailedOperation(address(SESH));
    }

    /// Who receives the rewards of the caller's part; none means the caller.
    function updateBeneficiary(address newBeneficiary) external {
        if (contributions[msg.sender] == 0) revert NonContributorUpdatedBeneficiary(msg.sender);
        // The rewards contract has its own record from here on.
        if (status == Status.Finalized) {
            revert BeneficiaryUpdatingDisabledNodeIsNotOpen(_serviceNodeParams.serviceNodePubkey);
        }
        if (newBeneficiary == address(0)) newBeneficiary = msg.sender;
        _contributorAddresses[_indexOf(msg.sender)].beneficiary = newBeneficiary;
        emit UpdateStakerBeneficiary(msg.sender, newBeneficiary);
    }

    // -------------------------------------------------------------------------------------------------------- finalize

    /// Registers the service node once the whole stake is there. Needed only when `manualFinalize` is set.
    function finalize() external onlyOperator nonReentrant {
        if (status != Status.WaitForFinalized) revert FinalizeNotPossible(status);
        _requireUnchangedParameters();
        _register();
    }

    function _fill() private {
        status = Status.WaitForFinalized;
        emit Filled();
        if (!manualFinalize) _register();
    }

    /// When the rewards contract refuses, all of it is undone, and the money can be withdrawn.
    function _register() private {
        status = Status.Finalized;
        emit Finalized();
        uint256 count = _contributorAddresses.length;
        Contributor[] memory stakes = new Contributor[](count);
        for (uint256 i = 0; i < count; i++) {
            Staker memory staker = _contributorAddresses[i];
            stakes[i] = Contributor(staker, contributions[staker.addr]);
        }
        SESH.forceApprove(address(stakingRewardsContract), stakingRequirement);
        stakingRewardsContract.addBLSPublicKey(blsPubkey, _blsSignature, _serviceNodeParams, stakes);
    }

    /// The registration takes today's requirement, not the one that was collected for.
    function _requireUnchangedParameters() private view {
        uint256 requirement = stakingRewardsContract.stakingRequirement();
        if (requirement != stakingRequirement) {
            revert RewardsContractStakingRequirementChanged(stakingRequirement, requirement);
        }
        uint256 max = stakingRewardsContract.maxContributors();
        if (max != maxContributors) revert RewardsContractMaxContributorsChanged(maxContributors, max);
    }

    // -------------------------------------------------------------------------------------------------------- withdraw

    /// Takes back what the caller paid, a day after it paid last. The operator may at any time, and resets.
    /// A reservation holds again afterwards.
    function withdrawContribution() external nonReentrant {
        if (_unreturned[msg.sender] != 0) return _return();
        if (status == Status.Finalized || contributions[msg.sender] == 0) revert NothingToWithdraw(msg.sender);
        if (msg.sender == operator) return _reset();
        uint256 paidAt = contributionTimestamp[msg.sender];
        if (block.timestamp < paidAt + WITHDRAWAL_DELAY) {
            revert WithdrawTooEarly(paidAt, block.timestamp, WITHDRAWAL_DELAY);
        }
        uint256 amount = _forget(_indexOf(msg.sender));
        reservedContributions[msg.sender].received = false;
        if (status == Status.WaitForFinalized) {
            status = Status.OpenForPublicContrib;
            emit OpenForPublicContribution();
        }
        emit WithdrawContribution(msg.sender, amount);
        SESH.safeTransfer(msg.sender, amount);
    }

    /// Gives everything back and returns to the start, without reservations. After the registration there is nothing to give.
    function reset() external onlyOperator nonReentrant {
        _reset();
    }

    function _reset() private {
        bool isStakeHere = status != Status.Finalized;
        status = Status.WaitForOperatorContrib;
        _clearReservations();
        emit Reset();
        for (uint256 count = _contributorAddresses.length; count > 0; count--) {
            address contributor = _contributorAddresses[count - 1].addr;
            uint256 amount = _forget(count - 1);
            if (!isStakeHere) continue;
            // One whom the token refuses must not keep the others from their money.
            if (SESH.trySafeTransfer(contributor, amount)) {
                emit WithdrawContribution(contributor, amount);
            } else {
                _unreturned[contributor] += amount;
                _totalUnreturned += amount;
            }
        }
    }

    function _return() private {
        uint256 amount = _unreturned[msg.sender];
        delete _unreturned[msg.sender];
        _totalUnreturned -= amount;
        emit WithdrawContribution(msg.sender, amount);
        SESH.safeTransfer(msg.sender, amount);
    }

    /// Removes a contributor from the records; the last takes its place, so the operator stays first.
    function _forget(uint256 index) private returns (uint256 amount) {
        address contributor = _contributorAddresses[index].addr;
        amount = contributions[contributor];
        delete contributions[contributor];
        delete contributionTimestamp[contributor];
        _contributorAddresses[index] = _contributorAddresses[_contributorAddresses.length - 1];
        _contributorAddresses.pop();
    }

    /// Gives the operator what came here by mistake, while nobody's contribution is here.
    function rescueERC20(address tokenAddress) external onlyOperator nonReentrant {
        if (status != Status.WaitForOperatorContrib && status != Status.Finalized) revert RescueNotPossible(status);
        IERC20 token = IERC20(tokenAddress);
        uint256 amount = token.balanceOf(address(this));
        if (token == SESH) amount -= _totalUnreturned;
        if (amount == 0) revert RescueBalanceIsEmpty(tokenAddress);
        token.safeTransfer(operator, amount);
    }

    // ----------------------------------------------------------------------------------------------------------- reads

    function contributorAddresses(uint256 index) external view returns (Staker memory) {
        return _contributorAddresses[index];
    }

    function contributorAddressesLength() external view returns (uint256 result) {
        result = _contributorAddresses.length;
    }

    function getContributions()
        external
        view
        returns (address[] memory addrs, address[] memory beneficiaries, uint256[] memory contribs)
    {
        uint256 count = _contributorAddresses.length;
        addrs = new address[](count);
        beneficiaries = new address[](count);
        contribs = new uint256[](count);
        for (uint256 i = 0; i < count; i++) {
            Staker storage staker = _contributorAddresses[i];
            (addrs[i], beneficiaries[i]) = (staker.addr, staker.beneficiary);
            contribs[i] = contributions[staker.addr];
        }
    }

    function operatorContribution() external view returns (uint256 result) {
        result = contributions[operator];
    }

    function totalContribution() public view returns (uint256 result) {
        for (uint256 i = 0; i < _contributorAddresses.length; i++) {
            result += contributions[_contributorAddresses[i].addr];
        }
    }

    /// What a newcomer without a reservation must pay at least; before the operator has paid, what the operator must.
    /// Reverts when no place is left.
    function minimumContribution() public view returns (uint256 result) {
        if (status == Status.WaitForOperatorContrib || _contributorAddresses.length == 0) {
            uint256 reserved = reservedContributions[operator].amount;
            return reserved != 0 ? reserved : minimumOperatorContribution(stakingRequirement);
        }
        (uint256 places, uint256 amount) = _placesAndAmountTaken();
        result = calcMinimumContribution(stakingRequirement - amount, places, maxContributors);
    }

    /// Paid or reserved.
    function _placesAndAmountTaken() private view returns (uint256 places, uint256 amount) {
        (uint256 pending, uint256 reserved) = _pendingReservations();
        return (_contributorAddresses.length + pending, totalContribution() + reserved);
    }

    /// Who has paid is found.
    function _indexOf(address contributor) private view returns (uint256 index) {
        while (_contributorAddresses[index].addr != contributor) index++;
    }
}
