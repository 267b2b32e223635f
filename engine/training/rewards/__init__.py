"""RLHF's three steps on a small model: demonstrations, a reward model, and learning from the reward.

Read it in this order: supervised (step 1); rule, preference, reward_model, judging (step 2); policy, ppo, dpo,
rejection, then measure, run and methods, which put them beside each other (step 3); settings and job.
"""
