// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {G1Point} from "./BN254.sol";
import {ServiceNodeRewards} from "./ServiceNodeRewards.sol";
import {BLSSignatureParams, ReservedContributor, ServiceNodeParams} from "./ServiceNodeTypes.sol";

/// What the operator of a pooled stake lays down before anybody pays: keys, fee, reserved parts, who registers.
///
/// All of it changes only while nothing has been paid, so whoever contributes knows the terms that its money stays under.
abstract contract ContributionTerms {
    enum Status {
        WaitForOperatorContrib,
        OpenForPublicContrib,
        WaitForFinalized,
        Finalized
    }

    /// A part of the stake kept for an address. Once paid (`received`) it counts as a contribution instead.
    struct Reservation {
        uint256 amount;
        bool received;
    }

    /// All rewards before they are shared, in basis points.
    uint16 public constant MAX_FEE = 10_000;
    /// Of the stake, the operator provides at least one part in this many.
    uint256 private constant OPERATOR_STAKE_DIVISOR = 4;

    ServiceNodeRewards public immutable stakingRewardsContract;
    /// Owns the first part of the stake; the BLS key's proof of possession names it.
    address public immutable operator;
    /// As they were at the deployment. When the rewards contract's have changed since, this stake cannot be registered any more.
    uint256 public immutable stakingRequirement;
    uint256 public immutable maxContributors;

    Status public status;
    bool public manualFinalize;
    G1Point public blsPubkey;
    BLSSignatureParams public _blsSignature;
    ServiceNodeParams public _serviceNodeParams;
    mapping(address stakerAddr => Reservation) public reservedContributions;
    address[] public reservedContributionsAddresses;

    event UpdateFee(uint16 newFee);
    event UpdateManualFinalize(bool newValue);
    event UpdatePubkeys(G1Point newBLSPubkey, uint256 newEd25519Pubkey);
    event UpdateReservedContributors(ReservedContributor[] newReservedContributors);

    error CalcMinContributionGivenBadContribArgs(uint256 numContributors, uint256 maxNumContributors);
    error DuplicateAddressInReservedContributor(uint256 index);
    error FeeExceedsPossibleValue(uint16 fee, uint16 max);
    error FirstReservedContributorMustBeOperator(uint256 index, address operator);
    error OnlyOperatorIsAuthorised(address addr, address operator);
    error RequireWaitForOperatorContribStatus(Status status);
    error ReservedContributionBelowMinAmount(uint256 index, uint256 contributed, uint256 min);
    error ReservedContributionExceedsStakingRequirement(uint256 index, uint256 contributed, uint256 remaining);
    error ReservedContributorHasZeroAddress(uint256 index);
    error TooManyReservedContributors(uint256 length, uint256 max);

    constructor(ServiceNodeRewards rewards, address operator_) {
        stakingRewardsContract = rewards;
        operator = operator_;
        stakingRequirement = rewards.stakingRequirement();
        maxContributors = rewards.maxContributors();
    }

    modifier onlyOperator() {
        if (msg.sender != operator) revert OnlyOperatorIsAuthorised(msg.sender, operator);
        _;
    }

    modifier whenNothingPaid() {
        if (status != Status.WaitForOperatorContrib) revert RequireWaitForOperatorContribStatus(status);
        _;
    }

    // --------------------------------------------------------------------------------------------------------- changes

    function updatePubkeys(
        G1Point calldata newBLSPubkey,
        BLSSignatureParams calldata newBLSSig,
        uint256 ed25519Pubkey,
        uint256 ed25519Sig0,
        uint256 ed25519Sig1
    ) external onlyOperator whenNothingPaid {
        uint16 fee = _serviceNodeParams.fee;
        _setKeys(newBLSPubkey, newBLSSig, ServiceNodeParams(ed25519Pubkey, ed25519Sig0, ed25519Sig1, fee));
    }

    function updateFee(uint16 fee) external onlyOperator whenNothingPaid {
        _setFee(fee);
    }

    function updateManualFinalize(bool value) external onlyOperator whenNothingPaid {
        _setManualFinalize(value);
    }

    function updateReservedContributors(ReservedContributor[] calldata reserved) external onlyOperator whenNothingPaid {
        _setReservations(reserved);
    }

    function _setTerms(
        G1Point memory key,
        BLSSignatureParams memory sig,
        ServiceNodeParams memory params,
        ReservedContributor[] memory reserved,
        bool manualFinalize_
    ) internal {
        _setKeys(key, sig, params);
        _setFee(params.fee);
        _setManualFinalize(manualFinalize_);
        _setReservations(reserved);
    }

    /// A wrong proof is refused here and not only at the registration, when others' money is in.
    function _setKeys(G1Point memory key, BLSSignatureParams memory sig, ServiceNodeParams memory params) private {
        stakingRewardsContract.validateProofOfPossession(key, sig, operator, params.serviceNodePubkey);
        blsPubkey = key;
        _blsSignature = sig;
        _serviceNodeParams = params;
        emit UpdatePubkeys(key, params.serviceNodePubkey);
    }

    function _setFee(uint16 fee) private {
        if (fee > MAX_FEE) revert FeeExceedsPossibleValue(fee, MAX_FEE);
        _serviceNodeParams.fee = fee;
        emit UpdateFee(fee);
    }

    function _setManualFinalize(bool value) private {
        manualFinalize = value;
        emit UpdateManualFinalize(value);
    }

    /// Replaces all reservations. Each must leave enough places for what is still missing, as contributions must.
    function _setReservations(ReservedContributor[] memory reserved) private {
        _clearReservations();
        if (reserved.length > maxContributors) revert TooManyReservedContributors(reserved.length, maxContributors);
        uint256 remaining = stakingRequirement;
        for (uint256 i = 0; i < reserved.length; i++) {
            (address addr, uint256 amount) = (reserved[i].addr, reserved[i].amount);
            if (i == 0 && addr != operator) revert FirstReservedContributorMustBeOperator(i, operator);
            if (addr == address(0)) revert ReservedContributorHasZeroAddress(i);
            if (reservedContributions[addr].amount != 0) revert DuplicateAddressInReservedContributor(i);
            uint256 minimum = _atLeastOne(calcMinimumContribution(remaining, i, maxContributors));
            if (amount > remaining) revert ReservedContributionExceedsStakingRequirement(i, amount, remaining);
            if (amount < minimum) revert ReservedContributionBelowMinAmount(i, amount, minimum);
            remaining -= amount;
            reservedContributions[addr] = Reservation(amount, false);
            reservedContributionsAddresses.push(addr);
        }
        emit UpdateReservedContributors(reserved);
    }

    function _clearReservations() internal {
        for (uint256 i = 0; i < reservedContributionsAddresses.length; i++) {
            delete reservedContributions[reservedContributionsAddresses[i]];
        }
        delete reservedContributionsAddresses;
    }

    // ----------------------------------------------------------------------------------------------------------- reads

    function blsSignature() external view returns (BLSSignatureParams memory) {
        return _blsSignature;
    }

    function serviceNodeParams() external view returns (ServiceNodeParams memory) {
        return _serviceNodeParams;
    }

    function getReserved()
        external
        view
        returns (address[] memory addrs, uint256[] memory contribs, bool[] memory received)
    {
        addrs = reservedContributionsAddresses;
        contribs = new uint256[](addrs.length);
        received = new bool[](addrs.length);
        for (uint256 i = 0; i < addrs.length; i++) {
            Reservation storage reservation = reservedContributions[addrs[i]];
            (contribs[i], received[i]) = (reservation.amount, reservation.received);
        }
    }

    /// What is reserved and not paid yet.
    function totalReservedContribution() external view returns (uint256 result) {
        (, result) = _pendingReservations();
    }

    function _pendingReservations() internal view returns (uint256 count, uint256 amount) {
        for (uint256 i = 0; i < reservedContributionsAddresses.length; i++) {
            Reservation storage reservation = reservedContributions[reservedContributionsAddresses[i]];
            if (reservation.received) continue;
            count++;
            amount += reservation.amount;
        }
    }

    function minimumOperatorContribution(uint256 _stakingRequirement) public pure returns (uint256 result) {
        result = _dividedUp(_stakingRequirement, OPERATOR_STAKE_DIVISOR);
    }

    /// What the next contributor must pay at least: the first, who is the operator, its quarter; later ones so much that
    /// the places that are left suffice for the rest.
    function calcMinimumContribution(
        uint256 contributionRemaining,
        uint256 numContributors,
        uint256 maxNumContributors
    ) public pure returns (uint256 result) {
        if (numContributors >= maxNumContributors) {
            revert CalcMinContributionGivenBadContribArgs(numContributors, maxNumContributors);
        }
        if (numContributors == 0) return minimumOperatorContribution(contributionRemaining);
        result = _dividedUp(contributionRemaining, maxNumContributors - numContributors);
    }

    /// A place is never to be had for nothing, even when all the rest is reserved and the minimum comes to zero.
    function _atLeastOne(uint256 amount) internal pure returns (uint256) {
        return amount == 0 ? 1 : amount;
    }

    function _dividedUp(uint256 amount, uint256 parts) private pure returns (uint256) {
        return amount / parts + (amount % parts == 0 ? 0 : 1);
    }
}
