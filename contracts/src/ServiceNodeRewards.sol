// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ownable2StepUpgradeable} from "@openzeppelin/contracts-upgradeable/access/Ownable2StepUpgradeable.sol";
import {PausableUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {BN254, G1Point, G2Point} from "./BN254.sol";
import {HashToG2} from "./HashToG2.sol";
import {ServiceNodeList} from "./ServiceNodeList.sol";
import {
    BLSSignatureParams,
    Contributor,
    Recipient,
    SeedServiceNode,
    ServiceNode,
    ServiceNodeParams,
    Staker
} from "./ServiceNodeTypes.sol";

/// Who is a service node, what is at stake, and what it earned.
///
/// The members themselves govern it: an exit, a liquidation and a reward balance each need a BLS signature of all members but at
/// most blsNonSignerThreshold. The contract counts signers and keeps the money; why something may be signed is the members' matter.
/// Rewards and returned stakes are one balance per address: members sign its lifetime total, and the address claims the difference.
contract ServiceNodeRewards is ServiceNodeList, Ownable2StepUpgradeable, PausableUpgradeable {
    using SafeERC20 for IERC20;

    uint256 public constant VERSION = 1;
    /// From this time after a leave request on, a service node goes without anybody's signature.
    uint256 public constant MAX_SERVICE_NODE_EXIT_WAIT_TIME = 30 days;
    uint256 public constant MIN_TIME_BEFORE_REPEATED_LEAVE_REQUEST = 1 hours;
    /// A contributor with less than this part of the stake cannot end a young service node.
    uint256 public constant SMALL_CONTRIBUTOR_DIVISOR = 4;
    uint256 public constant SMALL_CONTRIBUTOR_LEAVE_DELAY = 30 days;
    uint256 public constant MAX_PERMITTED_PUBKEY_AGGREGATIONS_LOWER_BOUND = 20;

    /// A signature cannot remove a service node younger than this, so that signers have seen it.
    uint256 private constant MIN_AGE_FOR_SIGNED_EXIT = 2 hours;
    /// Of the stake, the operator provides at least one part in this many.
    uint256 private constant OPERATOR_STAKE_DIVISOR = 4;

    IERC20 public designatedToken;
    address public foundationPool;
    bool public isStarted;

    uint256 public stakingRequirement;
    uint256 public maxContributors;
    uint256 public signatureExpiry;
    uint256 public liquidatorRewardRatio;
    uint256 public poolShareOfLiquidationRatio;
    uint256 public recipientRatio;

    uint256 public claimThreshold;
    uint256 public claimCycle;
    uint256 public currentClaimTotal;
    uint256 public currentClaimCycle;

    bytes32 public proofOfPossessionTag;
    bytes32 public rewardTag;
    bytes32 public exitTag;
    bytes32 public liquidateTag;
    bytes32 public hashToG2Tag;

    uint256 public lastHeightPubkeyWasAggregated;
    uint256 public numPubkeyAggregationsForHeight;

    mapping(address => Recipient) public recipients;

    event NewSeededServiceNode(uint64 indexed serviceNodeID, G1Point blsPubkey, uint256 ed25519Pubkey);
    event NewServiceNodeV2(
        uint64 indexed serviceNodeID,
        address initiator,
        G1Point pubkey,
        ServiceNodeParams serviceNode,
        Contributor[] contributors
    );
    event ServiceNodeExitRequest(uint64 indexed serviceNodeID, address initiator, G1Point pubkey);
    event ServiceNodeExit(uint64 indexed serviceNodeID, address initiator, uint256 returnedAmount, G1Point pubkey);
    event ServiceNodeLiquidated(uint64 indexed serviceNodeID, address initiator, G1Point pubkey);
    event RewardsBalanceUpdated(address indexed recipientAddress, uint256 amount, uint256 previousBalance);
    event RewardsClaimed(address indexed recipientAddress, uint256 amount);
    event StakingRequirementUpdated(uint256 newRequirement);
    event SignatureExpiryUpdated(uint256 newExpiry);
    event BLSNonSignerThresholdMaxUpdated(uint256 newMax);
    event ClaimThresholdUpdated(uint256 newThreshold);
    event ClaimCycleUpdated(uint256 newValue);
    event LiquidationRatiosUpdated(uint256 liquidatorRatio, uint256 poolRatio, uint256 recipientRatio);

    error CallerNotContributor(uint64 serviceNodeID, address caller);
    error ClaimThresholdExceeded();
    error ContractAlreadyStarted();
    error ContractNotStarted();
    error ContributionTotalMismatch(uint256 required, uint256 provided);
    error ExitTooEarly(uint64 serviceNodeID, uint256 addedTimestamp, uint256 currenttime);
    error InsufficientBLSSignatures(uint256 numSigners, uint256 requiredSigners);
    error InsufficientContributors();
    error InsufficientNodes();
    error InsufficientOperatorContribution(uint256 operatorStake);
    error InvalidBLSProofOfPossession();
    error InvalidBLSSignature(G1Point aggPubkey);
    error LeaveRequestNotInitiatedYet(uint64 serviceNodeID);
    error LeaveRequestTooEarly(uint64 serviceNodeID, uint256 endTimestamp, uint256 currTimestamp);
    error LiquidatorPenaltyTooHigh();
    error MaxClaimExceeded();
    error MaxContributorsExceeded();
    error MaxPubkeyAggregationsExceeded();
    error NullAddress();
    error PositiveNumberRequirement();
    error RecipientRewardsTooLow();
    error SignatureExpired(uint64 serviceNodeID, uint256 timestamp, uint256 currenttime);
    error SmallContributorLeaveTooEarly(uint64 serviceNodeID, address contributor);
    // Not thrown here; part of the interface, so that one decoder serves every deployment.
    error BLSPubkeyDoesNotMatch(uint64 serviceNodeID, G1Point pubkey);
    error RecipientAddressDoesNotMatch(address expectedRecipient, address providedRecipient, uint256 serviceNodeID);

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    /// Called through the proxy: the tags contain the proxy's address, so no signature is valid for two networks.
    function initialize(
        address token_,
        address foundationPool_,
        uint256 stakingRequirement_,
        uint256 maxContributors_,
        uint256 liquidatorRewardRatio_,
        uint256 poolShareOfLiquidationRatio_,
        uint256 recipientRatio_
    ) external initializer {
        if (token_ == address(0) || foundationPool_ == address(0)) revert NullAddress();
        if (stakingRequirement_ == 0 || maxContributors_ == 0) revert PositiveNumberRequirement();
        __Ownable_init(msg.sender);
        __Pausable_init();

        designatedToken = IERC20(token_);
        foundationPool = foundationPool_;
        stakingRequirement = stakingRequirement_;
        maxContributors = maxContributors_;
        _setLiquidationRatios(liquidatorRewardRatio_, poolShareOfLiquidationRatio_, recipientRatio_);

        signatureExpiry = 10 minutes;
        claimThreshold = 1_000_000e9;
        claimCycle = 12 hours;
        _initializeList(4000);

        proofOfPossessionTag = _tag("BLS_SIG_TRYANDINCREMENT_POP");
        rewardTag = _tag("BLS_SIG_TRYANDINCREMENT_REWARD");
        exitTag = _tag("BLS_SIG_TRYANDINCREMENT_EXIT");
        liquidateTag = _tag("BLS_SIG_TRYANDINCREMENT_LIQUIDATE");
        hashToG2Tag = _tag("BLS_SIG_HASH_TO_FIELD_TAG");
    }

    modifier whenStarted() {
        if (!isStarted) revert ContractNotStarted();
        _;
    }

    // ---------------------------------------------------------------------------------------------------- registration

    /// Registers a service node and takes the whole stake from the caller. Without contributors the caller is the operator
    /// and owns the stake alone. The Ed25519 signature and the fee are published in the event, not checked.
    function addBLSPublicKey(
        G1Point calldata blsPubkey,
        BLSSignatureParams calldata blsSignature,
        ServiceNodeParams calldata serviceNodeParams,
        Contributor[] calldata contributors
    ) external whenNotPaused whenStarted {
        Contributor[] memory stakes = contributors;
        if (stakes.length == 0) stakes = _soloStake();
        _checkContributors(stakes);
        _countRegistration();
        uint256 ed25519Pubkey = serviceNodeParams.serviceNodePubkey;
        uint64 id = _append(blsPubkey, ed25519Pubkey, block.timestamp, stakes);
        _checkProofOfPossession(blsPubkey, blsSignature, stakes[0].staker.addr, ed25519Pubkey);

        emit NewServiceNodeV2(id, msg.sender, blsPubkey, serviceNodeParams, stakes);
        designatedToken.safeTransferFrom(msg.sender, address(this), stakingRequirement);
    }

    /// Reverts unless a registration with this proof by this operator would pass. Meant for eth_call.
    function validateProofOfPossession(
        G1Point calldata blsPubkey,
        BLSSignatureParams calldata blsSignature,
        address caller,
        uint256 serviceNodePubkey
    ) external {
        _checkProofOfPossession(blsPubkey, blsSignature, caller, serviceNodePubkey);
    }

    /// Before the start, the owner may name the first members. Their keys are taken on trust, and no stake is taken: the owner
    /// must have checked proofs of possession, and must fund their stakes.
    function seedPublicKeyList(SeedServiceNode[] calldata nodes) external onlyOwner {
        if (isStarted) revert ContractAlreadyStarted();
        for (uint256 i = 0; i < nodes.length; i++) {
            SeedServiceNode calldata node = nodes[i];
            if (node.contributors.length == 0) revert InsufficientContributors();
            Contributor[] memory stakes = node.contributors;
            _checkContributors(stakes);
            uint64 id = _append(node.blsPubkey, node.ed25519Pubkey, node.addedTimestamp, stakes);
            emit NewSeededServiceNode(id, node.blsPubkey, node.ed25519Pubkey);
        }
    }

    /// How many service nodes may register in one block. (On Arbitrum block.number is the parent chain's.)
    function maxPermittedPubkeyAggregations() public view returns (uint256 result) {
        result = totalNodes / 50;
        if (result < MAX_PERMITTED_PUBKEY_AGGREGATIONS_LOWER_BOUND) {
            result = MAX_PERMITTED_PUBKEY_AGGREGATIONS_LOWER_BOUND;
        }
    }

    function _soloStake() private view returns (Contributor[] memory stakes) {
        stakes = new Contributor[](1);
        stakes[0] = Contributor(Staker(msg.sender, msg.sender), stakingRequirement);
    }

    function _checkContributors(Contributor[] memory stakes) private view {
        if (stakes.length > maxContributors) revert MaxContributorsExceeded();
        uint256 operatorStake = stakes[0].stakedAmount;
        uint256 required = stakingRequirement;
        uint256 provided = 0;
        for (uint256 i = 0; i < stakes.length; i++) {
            if (stakes[i].staker.addr == address(0) || stakes[i].staker.beneficiary == address(0)) revert NullAddress();
            provided += stakes[i].stakedAmount;
        }
        uint256 operatorMinimum = (required + OPERATOR_STAKE_DIVISOR - 1) / OPERATOR_STAKE_DIVISOR;
        if (operatorStake < operatorMinimum) revert InsufficientOperatorContribution(operatorStake);
        if (provided != required) revert ContributionTotalMismatch(required, provided);
    }

    /// Slows down a flood of registrations, each of which makes signatures collected before it unusable.
    function _countRegistration() private {
        if (lastHeightPubkeyWasAggregated != block.number) {
            lastHeightPubkeyWasAggregated = block.number;
            numPubkeyAggregationsForHeight = 0;
        }
        if (numPubkeyAggregationsForHeight >= maxPermittedPubkeyAggregations()) revert MaxPubkeyAggregationsExceeded();
        numPubkeyAggregationsForHeight++;
    }

    function _checkProofOfPossession(
        G1Point memory blsPubkey,
        BLSSignatureParams memory blsSignature,
        address operator,
        uint256 ed25519Pubkey
    ) private view {
        bytes memory message =
            abi.encodePacked(proofOfPossessionTag, blsPubkey.X, blsPubkey.Y, operator, ed25519Pubkey);
        if (!_isSignedBy(blsPubkey, message, blsSignature)) revert InvalidBLSProofOfPossession();
    }

    // ------------------------------------------------------------------------------------------------------------ exit

    /// Any contributor may ask for the service node to leave; there is no way back. Repeating it only renews the event.
    function initiateExitBLSPublicKey(uint64 serviceNodeID) external whenNotPaused whenStarted {
        ServiceNode storage node = _existing(serviceNodeID);
        uint256 stake = _stakeOf(node, msg.sender);
        if (stake == 0) revert CallerNotContributor(serviceNodeID, msg.sender);
        bool isSmall = stake * SMALL_CONTRIBUTOR_DIVISOR < node.deposit;
        if (isSmall && block.timestamp < node.addedTimestamp + SMALL_CONTRIBUTOR_LEAVE_DELAY) {
            revert SmallContributorLeaveTooEarly(serviceNodeID, msg.sender);
        }
        if (node.leaveRequestTimestamp == 0) {
            node.leaveRequestTimestamp = block.timestamp;
        } else {
            uint256 repeatable = node.latestLeaveRequestTimestamp + MIN_TIME_BEFORE_REPEATED_LEAVE_REQUEST;
            if (block.timestamp < repeatable) {
                revert LeaveRequestTooEarly(serviceNodeID, repeatable, block.timestamp);
            }
        }
        node.latestLeaveRequestTimestamp = block.timestamp;
        emit ServiceNodeExitRequest(serviceNodeID, msg.sender, node.blsPubkey);
    }

    /// Removes a service node with the members' consent. The stake comes back through updateRewardsBalance.
    function exitBLSPublicKeyWithSignature(
        G1Point calldata blsPubkey,
        uint256 timestamp,
        BLSSignatureParams calldata blsSignature,
        uint64[] calldata ids
    ) external whenNotPaused whenStarted {
        uint64 id = _checkSignedRemoval(exitTag, blsPubkey, timestamp, blsSignature, ids);
        _exit(id);
    }

    /// Removes a service node whose leave request is old enough, without anybody's consent.
    function exitBLSPublicKeyAfterWaitTime(uint64 serviceNodeID) external whenNotPaused whenStarted {
        uint256 leaveRequest = _existing(serviceNodeID).leaveRequestTimestamp;
        if (leaveRequest == 0) revert LeaveRequestNotInitiatedYet(serviceNodeID);
        uint256 end = leaveRequest + MAX_SERVICE_NODE_EXIT_WAIT_TIME;
        if (block.timestamp < end) revert LeaveRequestTooEarly(serviceNodeID, end, block.timestamp);
        _exit(serviceNodeID);
    }

    /// Removes a service node against its operator's will, with the members' consent. A small part of the stake goes to
    /// the caller and to the pool.
    function liquidateBLSPublicKeyWithSignature(
        G1Point calldata blsPubkey,
        uint256 timestamp,
        BLSSignatureParams calldata blsSignature,
        uint64[] calldata ids
    ) external whenNotPaused whenStarted {
        uint64 id = _checkSignedRemoval(liquidateTag, blsPubkey, timestamp, blsSignature, ids);
        uint256 deposit = _remove(id);
        uint256 ratioSum = liquidatorRewardRatio + poolShareOfLiquidationRatio + recipientRatio;
        uint256 liquidatorAmount = (deposit * liquidatorRewardRatio) / ratioSum;
        // The three amounts add up to the deposit; what rounding leaves over goes to the pool.
        uint256 returnedAmount = (deposit * recipientRatio) / ratioSum;
        uint256 poolAmount = deposit - liquidatorAmount - returnedAmount;

        emit ServiceNodeLiquidated(id, msg.sender, blsPubkey);
        emit ServiceNodeExit(id, msg.sender, returnedAmount, blsPubkey);
        designatedToken.safeTransfer(msg.sender, liquidatorAmount);
        designatedToken.safeTransfer(foundationPool, poolAmount);
    }

    function _exit(uint64 id) private {
        G1Point memory blsPubkey = _existing(id).blsPubkey;
        uint256 deposit = _remove(id);
        emit ServiceNodeExit(id, msg.sender, deposit, blsPubkey);
    }

    function _checkSignedRemoval(
        bytes32 tag,
        G1Point calldata blsPubkey,
        uint256 timestamp,
        BLSSignatureParams calldata blsSignature,
        uint64[] calldata nonSigners
    ) private view returns (uint64 id) {
        id = _idOf(blsPubkey);
        uint256 addedTimestamp = _existing(id).addedTimestamp;
        if (block.timestamp < addedTimestamp + MIN_AGE_FOR_SIGNED_EXIT) {
            revert ExitTooEarly(id, addedTimestamp, block.timestamp);
        }
        if (block.timestamp > timestamp + signatureExpiry) revert SignatureExpired(id, timestamp, block.timestamp);
        _checkAggregate(abi.encodePacked(tag, blsPubkey.X, blsPubkey.Y, timestamp), blsSignature, nonSigners);
    }

    function _stakeOf(ServiceNode storage node, address contributor) private view returns (uint256 stake) {
        for (uint256 i = 0; i < node.contributors.length; i++) {
            if (node.contributors[i].staker.addr == contributor) stake += node.contributors[i].stakedAmount;
        }
    }

    // --------------------------------------------------------------------------------------------------------- rewards

    /// Records what the recipient has earned in its lifetime, as the members sign it. It only ever grows, so an old signature
    /// is harmless.
    function updateRewardsBalance(
        address recipientAddress,
        uint256 recipientRewards,
        BLSSignatureParams calldata blsSignature,
        uint64[] calldata ids
    ) external whenNotPaused whenStarted {
        if (recipientAddress == address(0)) revert NullAddress();
        uint256 previous = recipients[recipientAddress].rewards;
        if (recipientRewards <= previous) revert RecipientRewardsTooLow();
        _checkAggregate(abi.encodePacked(rewardTag, recipientAddress, recipientRewards), blsSignature, ids);
        recipients[recipientAddress].rewards = recipientRewards;
        emit RewardsBalanceUpdated(recipientAddress, recipientRewards, previous);
    }

    /// Pays the caller all that it may claim.
    function claimRewards() external {
        Recipient storage recipient = recipients[msg.sender];
        _claim(recipient, recipient.rewards - recipient.claimed);
    }

    function claimRewards(uint256 amount) external {
        _claim(recipients[msg.sender], amount);
    }

    /// All claims of one cycle together are capped, so that a stolen quorum cannot empty the contract at once.
    function _claim(Recipient storage recipient, uint256 amount) private {
        if (amount > recipient.rewards - recipient.claimed) revert MaxClaimExceeded();
        uint256 cycle = block.timestamp / claimCycle;
        if (cycle != currentClaimCycle) {
            currentClaimCycle = cycle;
            currentClaimTotal = 0;
        }
        if (currentClaimTotal + amount > claimThreshold) revert ClaimThresholdExceeded();
        currentClaimTotal += amount;
        recipient.claimed += amount;
        emit RewardsClaimed(msg.sender, amount);
        designatedToken.safeTransfer(msg.sender, amount);
    }

    // ------------------------------------------------------------------------------------------------------ signatures

    /// Reverts unless the signature is the members' but the listed non-signers'.
    ///
    /// Without signers the aggregate key would be the identity, for which the identity is a valid signature of everything;
    /// such a set is refused.
    function _checkAggregate(
        bytes memory message,
        BLSSignatureParams calldata blsSignature,
        uint64[] calldata nonSigners
    ) private view {
        if (totalNodes == 0) revert InsufficientNodes();
        if (nonSigners.length > blsNonSignerThreshold) {
            uint256 signers = nonSigners.length < totalNodes ? totalNodes - nonSigners.length : 0;
            revert InsufficientBLSSignatures(signers, totalNodes - blsNonSignerThreshold);
        }
        G1Point memory excluded = G1Point(0, 0);
        for (uint256 i = 0; i < nonSigners.length; i++) {
            excluded = BN254.add(excluded, _existing(nonSigners[i]).blsPubkey);
        }
        G1Point memory signersKey = BN254.add(_aggregatePubkey, BN254.negate(excluded));
        if (!_isSignedBy(signersKey, message, blsSignature)) revert InvalidBLSSignature(signersKey);
    }

    function _isSignedBy(G1Point memory key, bytes memory message, BLSSignatureParams memory signature)
        private
        view
        returns (bool)
    {
        if (BN254.isInfinity(key)) return false;
        return BN254.pairingsEqual(
            G1Point(1, 2),
            G2Point(signature.sigs0, signature.sigs1, signature.sigs2, signature.sigs3),
            key,
            HashToG2.hashToG2(message, hashToG2Tag)
        );
    }

    function _tag(string memory name) private view returns (bytes32) {
        return keccak256(abi.encodePacked(name, block.chainid, address(this)));
    }

    // ----------------------------------------------------------------------------------------------------------- owner

    /// Opens the contract for registrations and claims; final.
    function start() external onlyOwner {
        isStarted = true;
    }

    /// Stops everything that changes the membership or balances; claims of recorded balances go on.
    function pause() external onlyOwner {
        _pause();
    }

    function unpause() external onlyOwner {
        _unpause();
    }

    /// Counts for registrations from now on; members stay members.
    function setStakingRequirement(uint256 newRequirement) external onlyOwner {
        stakingRequirement = _positive(newRequirement);
        emit StakingRequirementUpdated(newRequirement);
    }

    function setSignatureExpiry(uint256 newExpiry) external onlyOwner {
        signatureExpiry = _positive(newExpiry);
        emit SignatureExpiryUpdated(newExpiry);
    }

    function setBLSNonSignerThresholdMax(uint256 newMax) external onlyOwner {
        _setNonSignerThresholdMax(_positive(newMax));
        emit BLSNonSignerThresholdMaxUpdated(newMax);
    }

    function setClaimThreshold(uint256 newMax) external onlyOwner {
        claimThreshold = _positive(newMax);
        emit ClaimThresholdUpdated(newMax);
    }

    function setClaimCycle(uint256 newValue) external onlyOwner {
        claimCycle = _positive(newValue);
        emit ClaimCycleUpdated(newValue);
    }

    function setLiquidationRatios(uint256 liquidator, uint256 pool, uint256 recipient) external onlyOwner {
        _setLiquidationRatios(liquidator, pool, recipient);
        emit LiquidationRatiosUpdated(liquidator, pool, recipient);
    }

    /// A liquidation costs the stake's owners at most half; all ratios are bounded, so that amounts cannot overflow.
    function _setLiquidationRatios(uint256 liquidator, uint256 pool, uint256 recipient) private {
        _positive(liquidator);
        _positive(pool);
        _positive(recipient);
        if (recipient > type(uint64).max || liquidator > recipient || pool > recipient - liquidator) {
            revert LiquidatorPenaltyTooHigh();
        }
        liquidatorRewardRatio = liquidator;
        poolShareOfLiquidationRatio = pool;
        recipientRatio = recipient;
    }

    function _positive(uint256 value) private pure returns (uint256) {
        if (value == 0) revert PositiveNumberRequirement();
        return value;
    }
}
