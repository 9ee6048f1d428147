"""The forgetting probe for chat models: general questions with short plain answers, which no task trains on.

The loss on these answers, before and after a run, says what the run did to everything else. The probe shares no run of
five words with any prompt or answer of a task, so that a change in it is not the task's own sentences coming back.
Twelve of the questions have a key fact and are asked: a model can find the reference answer less likely and still know it.
"""

from __future__ import annotations

from engine.tasks.matching import holds_any
from engine.tasks.task import Example, Probe

EXAMPLES = (
    Example(
        "Why do leaves change color in autumn?",
        "As days get shorter, trees stop making chlorophyll, and other colors show through.",
        "chlorophyll|pigments",
    ),
    Example("Explain what a dictionary is for.", "A dictionary lists words and tells you what they mean."),
    Example("How does a refrigerator keep food fresh?", "It keeps food cold, which slows the growth of bacteria."),
    Example("Give me one tip for better sleep.", "Go to bed at the same time every night."),
    Example("What causes ocean tides?", "Tides are caused mainly by the pull of the Moon's gravity on the oceans.", "moon"),
    Example("Why should I brush my teeth?", "Brushing removes plaque and helps to prevent cavities."),
    Example("Describe a desert in one sentence.", "A desert is a dry region that receives very little rain."),
    Example("What is democracy?", "Democracy is a system of government in which citizens choose their leaders by voting."),
    Example("How can I save electricity at home?", "Turn off lights and devices that you are not using."),
    Example("Why does iron rust?", "Iron rusts when it reacts with oxygen and water.", "oxygen|water|moisture"),
    Example("What does a librarian do?", "A librarian organizes books and helps people to find information."),
    Example("Name two renewable sources of energy.", "Solar power and wind power are renewable sources of energy."),
    Example(
        "How do vaccines protect us?", "Vaccines train the immune system to recognize and fight a disease.", "immune|immunity|antibodies"
    ),
    Example("What happens during an earthquake?", "The ground shakes because rocks below the surface suddenly move."),
    Example("Suggest a healthy snack.", "An apple with a handful of nuts makes a healthy snack."),
    Example("What was the Industrial Revolution?", "It was a period when machines and factories changed how goods were made."),
    Example("How is rain formed?", "Water vapor cools, forms droplets in clouds, and falls when the drops grow heavy."),
    Example("What should I wear in cold weather?", "Wear warm layers, a coat, a hat and gloves."),
    Example("Define the word brave.", "Brave means ready to face danger or pain without giving up."),
    Example("Why are bees important to farmers?", "Bees pollinate crops, which lets many plants produce fruit and seeds."),
    Example("What makes a good friend?", "A good friend is honest, kind, and there for you in hard times."),
    Example("How does a compass work?", "Its magnetic needle lines up with the magnetic field of the Earth.", "magnetic|magnet|magnetism"),
    Example("What is inflation in economics?", "Inflation is a general rise in prices over time."),
    Example("Which vitamin do we get from sunlight?", "Sunlight helps our skin to make vitamin D.", "d"),
    Example("Describe how to boil an egg.", "Place the egg in boiling water for about eight minutes, then cool it."),
    Example("What is a metaphor?", "A metaphor describes one thing as if it were another."),
    Example("Why do we have leap years?", "An extra day keeps the calendar in step with the Earth's orbit around the Sun."),
    Example("What are fossils?", "Fossils are the preserved remains or traces of ancient living things.", "remains|remnants"),
    Example("How do birds fly?", "Birds flap their wings to create lift and push themselves forward."),
    Example("What is the purpose of a budget?", "A budget helps you plan how to spend and save your money."),
    Example(
        "Give an example of a mammal that lives in water.",
        "A dolphin is a mammal that lives in water.",
        "dolphin|dolphins|whale|whales|seal|seals|otter|otters|manatee|manatees",
    ),
    Example("What do archaeologists study?", "They study past people by examining the objects and buildings left behind."),
    Example("How can I learn a new word quickly?", "Use it in a sentence and repeat it several times during the day."),
    Example("What is an island?", "An island is a piece of land surrounded by water on all sides."),
    Example("Why do cats purr?", "Cats often purr when they are content, and sometimes to calm themselves."),
    Example("What is a computer program?", "A computer program is a set of instructions that a computer follows."),
    Example("How do plants drink water?", "Plants take up water through their roots.", "roots"),
    Example("What does it mean to be polite?", "Being polite means showing respect and good manners to others."),
    Example("Name a famous composer from Austria.", "Wolfgang Amadeus Mozart was a famous composer from Austria."),
    Example("What is recycling?", "Recycling turns used materials into new products instead of throwing them away."),
    Example("Why is the Great Wall famous?", "It stretches for thousands of miles and was built to defend China."),
    Example("How do I remove a stain from a shirt?", "Rinse it with cold water and rub in a little soap before washing."),
    Example("What is a noun?", "A noun is a word that names a person, place, thing or idea.", "person|place|thing"),
    Example(
        "What is the difference between weather and climate?",
        "Weather changes from day to day, while climate is the pattern over many years.",
    ),
    Example("How does exercise help the body?", "Exercise strengthens muscles, improves fitness and lifts your mood."),
    Example("What is a novel?", "A novel is a long written story about imagined people and events."),
    Example("Why do people celebrate birthdays?", "People celebrate birthdays to mark another year of life with family and friends."),
    Example("What is a volcano?", "A volcano is an opening in the Earth's crust where lava, ash and gas escape."),
    Example("How do fish breathe underwater?", "Fish take in oxygen from the water through their gills.", "gills"),
    Example("What is the role of a judge?", "A judge listens to both sides in court and decides according to the law."),
    Example("Why is it dark at night?", "At night our side of the Earth is turned away from the Sun."),
    Example("What is a robot?", "A robot is a machine that can carry out tasks by itself."),
    Example("How can I be a better listener?", "Pay attention, do not interrupt, and ask questions about what you heard."),
    Example("What is an ecosystem?", "An ecosystem is a community of living things together with their surroundings."),
    Example("Why does bread rise?", "Yeast produces gas bubbles that make the dough expand.", "yeast"),
    Example("Write a short sentence about the moon.", "The moon glowed softly above the quiet hills."),
    Example("What is electricity?", "Electricity is a form of energy that comes from the flow of electric charge."),
    Example("How are mountains formed?", "Mountains form when plates of the Earth's crust push against each other."),
    Example("What is the internet?", "The internet is a worldwide network that connects computers."),
    Example("Why do we need laws?", "Laws keep people safe and help to settle disputes fairly."),
    Example("What is a synonym for happy?", "A synonym for happy is joyful."),
    Example("How is chocolate made?", "Cocoa beans are roasted, ground, and mixed with sugar and often milk."),
    Example("What is the main idea of recycling water?", "Used water is cleaned so that it can serve again."),
    Example("Who looks after passengers on an airplane?", "Flight attendants look after passengers and keep them safe."),
)


def holds_fact(example: Example, answer: str) -> bool:
    """Does the answer hold the key fact?"""
    return example.fact is not None and holds_any(answer, example.fact)


PROBE = Probe(EXAMPLES, tuple(example for example in EXAMPLES if example.fact), holds_fact, max_new_tokens=32)
