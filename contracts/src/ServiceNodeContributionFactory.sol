// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ownable2StepUpgradeable} from "@openzeppelin/contracts-upgradeable/access/Ownable2StepUpgradeable.sol";
import {PausableUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";
import {G1Point} from "./BN254.sol";
import {ServiceNodeContribution} from "./ServiceNodeContribution.sol";
import {ServiceNodeRewards} from "./ServiceNodeRewards.sol";
import {BLSSignatureParams, ReservedContributor, ServiceNodeParams} from "./ServiceNodeTypes.sol";

/// Makes contracts of pooled stakes and vouches for them: pay into one only if owns() says that it came from here. What it has
/// made does not change with it, neither by a pause nor by an upgrade.
contract ServiceNodeContributionFactory is Ownable2StepUpgradeable, PausableUpgradeable {
    uint256 public constant VERSION = 1;

    ServiceNodeRewards public stakingRewardsContract;
    mapping(address => bool) public deployedContracts;

    event NewServiceNodeContributionContract(
        address indexed contributorContract, uint256 serviceNodePubkey, address operator
    );

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    function initialize(address _stakingRewardsContract) external initializer {
        __Ownable_init(msg.sender);
        __Pausable_init();
        stakingRewardsContract = ServiceNodeRewards(_stakingRewardsContract);
        // Reverts unless there is such a contract.
        stakingRewardsContract.designatedToken();
    }

    /// The caller becomes the operator; the proof of possession must name it.
    function deploy(
        G1Point calldata key,
        BLSSignatureParams calldata sig,
        ServiceNodeParams calldata params,
        ReservedContributor[] calldata reserved,
        bool manualFinalize
    ) external whenNotPaused returns (address result) {
        result = address(
            new ServiceNodeContribution(stakingRewardsContract, msg.sender, key, sig, params, reserved, manualFinalize)
        );
        deployedContracts[result] = true;
        emit NewServiceNodeContributionContract(result, params.serviceNodePubkey, msg.sender);
    }

    function owns(address contractAddress) external view returns (bool) {
        return deployedContracts[contractAddress];
    }

    function pause() external onlyOwner {
        _pause();
    }

    function unpause() external onlyOwner {
        _unpause();
    }
}
